"""The command `cascadeflow`, also as `python -m cascadeflow`.

It needs the extra `[cli]`; nothing of that is imported before it is known to be there.
"""

from __future__ import annotations

import importlib
import sys

NEEDED = ("typer", "rich")
MISSING = """\
The command line needs the extra [cli], which is not installed ({error}).
Install it from the checkout:  pip install ".[cli]"
"""


def main() -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        try:
            for name in NEEDED:
                importlib.import_module(name)
        except ImportError as error:
            sys.stderr.write(MISSING.format(error=error))
            raise SystemExit(1) from None
        from .cli.app import run

        run()
    except KeyboardInterrupt:  # before a command has begun
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
