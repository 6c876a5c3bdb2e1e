"""A web tool that turns pictures into segmentation training data."""

__version__ = "0.1.0"
