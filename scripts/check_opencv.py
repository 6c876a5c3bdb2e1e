"""Look whether OpenCV can be imported, and make it so where the machine has no screen libraries.

opencv-python links libGL and GLib, which slim containers and bare servers lack; opencv-python-headless is the same
library without windows. It is laid over opencv-python rather than put in its stead: pip goes on seeing opencv-python,
so no later install (ultralytics asks for it by name) brings the other one back.
"""

import subprocess
import sys
from importlib.metadata import version

# The dynamic linker's words for a library that is missing, glibc's and musl's.
NO_LIBRARY = ("cannot open shared object file", "Error loading shared library")


def import_error() -> str:
    """What `import cv2` says in a fresh interpreter; "" where it works."""
    tried = subprocess.run([sys.executable, "-c", "import cv2"], capture_output=True, text=True)
    lines = tried.stderr.strip().splitlines()
    return "" if tried.returncode == 0 else (lines[-1] if lines else f"exit status {tried.returncode}")


def lay_headless_over() -> bool:
    """Install opencv-python-headless in the version of opencv-python; whether pip managed to."""
    wanted = f"opencv-python-headless=={version('opencv-python')}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return subprocess.run([*pip, "--no-deps", "--force-reinstall", wanted]).returncode == 0


def main() -> int:
    """0 where OpenCV can be imported in the end."""
    error = import_error()
    if any(words in error for words in NO_LIBRARY):
        print(f"OpenCV misses a system library ({error}); taking its headless build.", flush=True)
        if lay_headless_over():
            error = import_error()
    if error:
        print(f"import cv2: {error}", file=sys.stderr)
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main())
