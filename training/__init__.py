"""How the checkpoint of the built-in model is made: `python -m training DATA_FOLDER --out RUN_FOLDER`."""
