"""Entry point: parse, build, serve."""

from annotator.cli import app

if __name__ == "__main__":
    app()
