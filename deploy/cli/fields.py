"""What a platform asks for when it is connected by a form, asked of the person at the terminal."""

import asyncio
import getpass
import sys
from collections.abc import Sequence

from deploy.cli.client import GatewayClient
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import say
from deploy.cli.wire import FormField, read_fields


async def ask_form(client: GatewayClient, platform: str, *, given: Sequence[str]) -> dict[str, str]:
    """Return the answers to a platform's form: those that are given as NAME=VALUE, the others by asking.

    A secret is read without echo and never taken from the command line, which all processes can see. Without
    a terminal each question reads a line of standard input; an empty one is no answer.
    """
    fields = read_fields((await client.get("/platforms")).body, platform=platform)
    if not fields:
        raise CommandStopped(
            f"{platform} is not connected by a form.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Leave --field out: the command opens the platform's own sign-in.",
        )
    known = {one.name: one for one in fields}
    answers = dict(_parsed(text, known) for text in given)
    for one in fields:
        if one.name not in answers:
            answers[one.name] = await asyncio.to_thread(_asked, one)
    return {name: text for name, text in answers.items() if text}


def _parsed(text: str, known: dict[str, FormField]) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    field = known.get(name)
    if not sign or field is None:
        raise CommandStopped(
            f"'{name}' is none of its fields, or has no value.",
            code=Exit.USAGE_OR_CANCELLED,
            cure=f"Write --field NAME=VALUE with one of {', '.join(known)}.",
        )
    if field.kind == "secret":
        raise CommandStopped(
            f"'{name}' is a secret, and every process of this machine sees the command line.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Leave it out: it is asked for, or read from standard input.",
        )
    return name, value


def _asked(field: FormField) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    if field.help:
        say(field.help)
    question = f"{field.label}{'' if field.required else ' (may be left empty)'}: "
    if field.kind == "secret":
        return getpass.getpass(question, stream=sys.stderr)
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\r\n")
