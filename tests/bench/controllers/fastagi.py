"""How would one steer calls by FastAGI? Asterisk connects for each call and is told one variable."""

import asyncio
import sys
from datetime import UTC, datetime
from functools import partial

import uvloop

from router.ami.outbound import encode_plan
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.database import Database
from router.storage.tables import load_configuration
from tests.bench.company import REGION, TIME_ZONE

ANSWER_WITHIN = 5.0  # seconds for the whole conversation; it takes 1 ms


async def serve(database: str, port: int) -> None:
    db = Database(database)
    table = Table.build(*await load_configuration(db, REGION, TIME_ZONE))
    await db.close()
    server = await asyncio.start_server(partial(answer, table), "127.0.0.1", port, backlog=1024)
    print("ready", flush=True)  # noqa: T201  # the bench waits for this line
    await server.serve_forever()


async def answer(table: Table, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            request = (await reader.readuntil(b"\n\n")).decode()
            call = dict(line.split(": ", 1) for line in request.splitlines() if ": " in line)
            steps = steps_for(call.get("agi_arg_1", ""), call.get("agi_arg_2", ""), call["agi_uniqueid"], table)
            writer.write(f'SET VARIABLE ROUTER_COPY "{steps}"\n'.encode())
            await reader.readline()  # 200 result=1
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        pass  # the caller is gone; the dialplan goes on to its fallback if it isn't
    finally:
        writer.close()


def steps_for(dialled: str, caller: str, uniqueid: str, table: Table) -> str:
    decision = decide(CallFacts(dialled=dialled, caller=read_number(caller, REGION)), table, datetime.now(UTC))
    return "~".join(part for part in encode_plan(decision.plan, uniqueid).split("~") if part[:2] in ("r=", "q="))


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
