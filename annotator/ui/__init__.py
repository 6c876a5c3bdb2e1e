"""The only code that imports gradio: the page, its server functions, the API endpoints."""
