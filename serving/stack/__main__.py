"""Run the service on this machine: ``python -m serving.stack pair`` or ``whole``; Ctrl-C stops it.

``whole --detach`` returns once it is ready; ``stop`` ends it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from segue.errors import SegueError
from serving.stack.members import MODEL, gateway_and_page, pair
from serving.stack.paste import to_paste
from serving.stack.ports import Ports, pick_ports
from serving.stack.running import leave_terminal, running_alone, start_detached, stop_running
from serving.stack.supervisor import Member, Stopped, Supervisor, raise_on_signals
from serving.wire import predict_path

_CHAMPION = ".segue/demo/channels/champion"
# Said by the process in the background when it leaves the terminal; not shown.
_LEFT = "(in the background)"
_PAIR_PORTS = frozenset({"predictor_http", "predictor_grpc", "transformer_http", "transformer_grpc"})


def main() -> int:
    """Start the processes, and run until Ctrl-C or until a process ends."""
    options = _parser().parse_args()
    raise_on_signals()
    try:
        return _run(options)
    except Stopped:
        _say("stopped")
    except SegueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(options: argparse.Namespace) -> int:
    if options.what == "stop":
        _say("stopped" if stop_running(options.home) else f"no service of {options.home} is running")
    elif options.what == "pair":
        _run_pair(options.bundle)
    elif options.detach:
        arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
        return start_detached([*arguments, "--background"], _LEFT, _say)
    else:
        with running_alone(options.home):
            _run_whole(options)
    return 0


def _run_pair(bundle: str) -> None:
    ports = _ports(_PAIR_PORTS)
    with Supervisor(pair(bundle, ports)) as supervisor:
        supervisor.wait_ready()
        url = f"http://127.0.0.1:{ports.transformer_http}{predict_path(MODEL)}"
        _say(f"Ready: {url}  (Ctrl-C ends it)")
        _say(f"""  curl -s {url} -d '{{"instances": [{{"seeds": [{{"genre": "jazz"}}], "k": 5}}]}}'""")
        supervisor.wait()


def _run_whole(options: argparse.Namespace) -> None:
    from serving.stack.keys import make_keys
    from serving.stack.trial import example_track, try_stack

    bundle, home = options.bundle, options.home
    _say("Starting the processes")
    database_url = options.database or f"sqlite:///{(home / 'log.sqlite').resolve()}"
    keys = make_keys(database_url)
    ports = _ports(_PAIR_PORTS | {"gateway", "page"})
    logs = home / "logs"
    members = [
        *pair(bundle, ports, logs=logs),
        *gateway_and_page(bundle, ports, database_url=database_url, page_key=keys.page, logs=logs),
    ]
    gateway_url, page_url = f"http://127.0.0.1:{ports.gateway}", f"http://127.0.0.1:{ports.page}"
    with Supervisor(members) as supervisor:
        supervisor.wait_ready(_say_ready, _say_waiting)
        _say(f"\n  page     {page_url}\n  gateway  {gateway_url}/docs\n  logs     {logs}\n")
        if options.once:
            for line in try_stack(gateway_url, page_url, keys.page):
                _say(f"  {line}")
            _say("A list came through the whole of it.")
            return
        variables = {"SEGUE_URL": gateway_url, "SEGUE_KEY": keys.admin}
        variables |= {"SEGUE_BUNDLE": bundle, "SEGUE_DATABASE_URL": database_url}
        _say(to_paste(variables, example_track(gateway_url, keys.page)))
        if options.background:
            _say("It runs in the background; make stop stops it.")
            _say(_LEFT)
            leave_terminal(logs / "stack.log")
        else:
            _say("Ctrl-C stops all of it.")
        supervisor.wait()


def _ports(names: frozenset[str]) -> Ports:
    ports, moved = pick_ports(names)
    for name, (usual, now) in moved.items():
        _say(f"port {usual} is taken: {name.replace('_', ' ')} is on {now}")
    return ports


def _say_ready(member: Member) -> None:
    _say(f"  {member.name} is ready")


def _say_waiting(member: Member, seconds: float) -> None:
    _say(f"  waiting for {member.name}, {seconds:.0f} s")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.stack",
        description=__doc__,
        epilog="example: python -m serving.stack whole --bundle STORE/channels/champion --detach",
    )
    parser.add_argument(
        "what",
        choices=("pair", "whole", "stop"),
        help="predictor and transformer, or gateway and page too; stop ends the latter in the background",
    )
    parser.add_argument("--bundle", default=_CHAMPION, help="bundle or channel; default %(default)s")
    parser.add_argument(
        "--home",
        type=Path,
        default=Path(".segue/demo/service"),
        help="logs and database; default %(default)s",
    )
    parser.add_argument("--database", help="database of log and keys; default: a SQLite file in --home")
    parser.add_argument("--once", action="store_true", help="check one list, then stop")
    parser.add_argument("--detach", action="store_true", help="return once all is ready; stop ends it")
    parser.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
