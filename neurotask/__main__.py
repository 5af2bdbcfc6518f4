"""`python -m neurotask`."""

from neurotask.cli import app

if __name__ == "__main__":
    app(prog_name="neurotask")
