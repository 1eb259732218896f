# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""``python -m sandbox.simulator``: let faults happen to a simulated host."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Callable
from typing import TypeAlias

from sandbox import errors
from sandbox import hardware
from sandbox import layout as layouts
from sandbox.simulator import cards as simulated
from sandbox.simulator import host as hosts

_Action = Callable[[hosts.SimulatedHost, argparse.Namespace], None]
# argparse has no public name for it, and subscripts it in stubs only.
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_EXAMPLES = """\
examples:
  --host gpu-a100-1 show
  --host gpu-a100-1 xid 0000:07:00.0 79
  --host gpu-a100-1 fall-off-bus 0000:0b:00.0
  --host gpu-a100-1 restore 0000:0b:00.0
  --host gpu-a100-1 driver 0000:07:00.0 vfio-pci
  --host gpu-a100-1 nvml err nvmlDeviceGetUUID 999 --card 0000:07:00.0
"""


def _build(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    known = {each.name: each for each in hardware.HOSTS}
    if arguments.host not in known:
        raise errors.SandboxError(
            f"{arguments.host}: the sandbox has {', '.join(sorted(known))}"
        )
    spec = known[arguments.host]
    host.build(simulated.of_hardware(spec, arguments.driver))


def _show(host: hosts.SimulatedHost, _arguments: argparse.Namespace) -> None:
    removed = host.removed
    for card in host.cards:
        driver = host.drivers[card.address] or "no driver"
        state = "removed" if card.address in removed else driver
        print(f"{card.address}  {card.name}  {card.serial}  {state}")


def _xid(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    host.xid(arguments.card, arguments.code, arguments.words)


def _driver(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    name = arguments.driver
    host.set_driver(arguments.card, None if name == "none" else name)


def _nvml(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    host.inject(
        arguments.fault, arguments.function, arguments.card, arguments.value
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.simulator",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        default=layouts.DEFAULT_STATE,
        help="folder of the sandbox (default: .sandbox)",
    )
    parser.add_argument("--host", required=True, help="such as gpu-a100-1")
    _add_commands(parser.add_subparsers(dest="command", required=True))
    return parser


def _add_commands(commands: _Commands) -> None:
    def add(name: str, words: str, action: _Action) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words)
        command.set_defaults(action=action)
        return command

    def add_card(name: str, words: str, action: _Action) -> None:
        add(name, words, action).add_argument("card", help="PCI address")

    add("show", "list the cards", _show)
    build = add("build", "make the host as new", _build)
    build.add_argument("--driver", default="nvidia")
    add("reboot", "mend everything, as a power cycle", _reboot)
    add_card("fall-off-bus", "a card stops answering", _fall_off_bus)
    add_card("remove", "a card goes away", _remove)
    add_card("restore", "a card is as it was at first", _restore)
    xid = add("xid", "the driver prints an XID", _xid)
    xid.add_argument("card", help="PCI address")
    xid.add_argument("code", type=int)
    xid.add_argument("words", nargs="?")
    driver = add("driver", "bind a card to another driver", _driver)
    driver.add_argument("card", help="PCI address")
    driver.add_argument("driver", help="such as nvidia, vfio-pci, none")
    log = add("log", "the kernel prints a line", _log)
    log.add_argument("text")
    nvml = add("nvml", "NVIDIA's library fails, hangs or crashes", _nvml)
    nvml.add_argument("fault", choices=("err", "delay_ms", "crash"))
    nvml.add_argument("function", help="such as nvmlInit")
    nvml.add_argument("value", type=int, help="code, ms (-1: ever), or 1")
    nvml.add_argument("--card", help="PCI address")
    add("nvml-clear", "NVIDIA's library works again", _nvml_clear)


def _reboot(host: hosts.SimulatedHost, _arguments: argparse.Namespace) -> None:
    host.reboot()


def _fall_off_bus(
    host: hosts.SimulatedHost, arguments: argparse.Namespace
) -> None:
    host.fall_off_bus(arguments.card)


def _remove(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    host.remove(arguments.card)


def _restore(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    host.restore(arguments.card)


def _tell_hypervisor(
    layout: layouts.Layout, name: str, host: hosts.SimulatedHost
) -> None:
    """What is no longer plugged in, Nova does not see either."""
    if not hardware.hardware_file(layout, name).exists():
        return
    gpus = [
        dataclasses.asdict(gpu)
        for gpu in hardware.host(name).gpus
        if gpu.address not in host.removed
    ]
    hardware.change(layout, name, gpus=gpus)


def _log(host: hosts.SimulatedHost, arguments: argparse.Namespace) -> None:
    host.log(arguments.text)


def _nvml_clear(
    host: hosts.SimulatedHost, _arguments: argparse.Namespace
) -> None:
    host.nvml_clear()


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    layout = layouts.Layout.at(arguments.state)
    host = hosts.SimulatedHost(layout.host(arguments.host))
    try:
        arguments.action(host, arguments)
        _tell_hypervisor(layout, arguments.host, host)
    except (errors.SandboxError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
