"""How Pail starts a part of itself as a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import services

INSTALLED_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})
"""Names of the folders where an interpreter finds installed packages by itself."""


def module_command(module: str, *words: str) -> list[str]:
    """Return the argument list that runs `module` with this interpreter.

    -P: where the person happens to be must not matter.  A folder called "services", or a "json.py", that lies there
    would be run instead.
    """
    return [sys.executable, "-P", "-m", module, *words]


def module_environment() -> dict[str, str]:
    """Return this process's environment, in which a child finds this very package, also in a checkout not installed."""
    environment = dict(os.environ)
    root = Path(services.__file__).resolve().parent.parent
    # PYTHONPATH comes before the standard library: no folder of installed packages may stand there.
    if root.name not in INSTALLED_FOLDERS:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return environment


def bare_command(module: str, *words: str) -> list[str]:
    """Return the argument list that runs `main` of a module that imports only the standard library and its like.

    Nothing is looked for in the environment, in folders of installed packages or where the person happens to be; text
    is UTF-8.  In the module, `sys.argv` begins with "-c" and the folder of this package.
    """
    root = Path(services.__file__).resolve().parent.parent
    code = f"import sys; sys.path.append(sys.argv[1]); from {module} import main; main()"
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", code, str(root), *words]
