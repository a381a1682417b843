"""Draw the secrets that are not there yet, and give each volume to the user who writes to it.

Nothing that is there is changed. A secret's file can be read by the group 10001 alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from segue.keys.key import new_id, new_secret

# User and group of the images that Segue builds; the group may read secrets.
SEGUE = 10001
# User and group of each volume: those of the service that writes to it.
OWNERS = {
    "cache": (SEGUE, SEGUE),
    "grafana": (472, 0),
    "minio": (SEGUE, SEGUE),
    "mlflow": (SEGUE, SEGUE),
    "postgresql": (999, 999),
    "prometheus": (65534, 65534),
    "spool": (SEGUE, SEGUE),
    "work": (SEGUE, SEGUE),
}


def main(secrets: Path = Path("/run/secrets"), volumes: Path = Path("/volumes")) -> None:
    """Do both, and say what was drawn; a secret itself is never printed."""
    drawn = draw(secrets)
    print(f"drew {', '.join(drawn)}" if drawn else "the secrets are there")
    for name, owner in OWNERS.items():
        give(volumes / name, owner)


def draw(folder: Path) -> list[str]:
    """Draw what is missing; returns the names."""
    credential = f"{new_id()}.{new_secret()}"

    def there(name: str) -> str:
        return (folder / name).read_text(encoding="ascii")

    # in this order, since a value may be made of those before it
    values: dict[str, Callable[[], str]] = {
        "store/SEGUE_S3_ACCESS_KEY": new_id,
        "store/SEGUE_S3_SECRET_KEY": new_secret,
        # the form that MLflow's client of S3 reads
        "store/aws": lambda: (
            f"[default]\naws_access_key_id = {there('store/SEGUE_S3_ACCESS_KEY')}\n"
            f"aws_secret_access_key = {there('store/SEGUE_S3_SECRET_KEY')}\n"
        ),
        "database/password": new_secret,
        "database/SEGUE_DATABASE_URL": lambda: (
            f"postgresql://segue:{there('database/password')}@postgresql:5432/segue"
        ),
        "page/SEGUE_GATEWAY_KEY": lambda: credential,
        "page/SEGUE_KEY_CREDENTIAL": lambda: there("page/SEGUE_GATEWAY_KEY"),
        "grafana/password": new_secret,
    }
    drawn = []
    for name, value in values.items():
        if not (folder / name).exists():
            write(folder / name, value())
            drawn.append(name)
    return drawn


def write(path: Path, value: str) -> None:
    """Write a secret for the group, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o750)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "w") as file:
        file.write(value)
    if os.getuid() == 0:
        for each in (path.parent, unfinished):
            os.chown(each, 0, SEGUE)
    unfinished.replace(path)


def give(folder: Path, owner: tuple[int, int]) -> None:
    """Make a volume its user's, unless it is."""
    there = folder.stat()
    if (there.st_uid, there.st_gid) != owner:
        # first, because afterwards it is another's
        folder.chmod(0o750)
        os.chown(folder, *owner)


if __name__ == "__main__":
    main(*(Path(folder) for folder in sys.argv[1:]))
