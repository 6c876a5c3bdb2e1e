"""The sign-in page and what its form is answered with; signing out."""

from annotator.ui.signin.routes import sign_in_routes

__all__ = ["sign_in_routes"]
