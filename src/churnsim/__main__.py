"""``python -m churnsim`` is the command ``churnsim``."""

from churnsim.cli import main

if __name__ == "__main__":
    main()
