"""How would one steer calls by ARI? One websocket tells of calls; requests go back over it (REST over websocket)."""

import json
import sys
from base64 import b64encode
from datetime import UTC, datetime
from itertools import count

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from router.ami.outbound import encode_plan
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.database import Database
from router.storage.tables import load_configuration
from tests.bench.company import REGION, TIME_ZONE

NUMBERS = count(1)


async def serve(database: str, port: int, login: str) -> None:
    db = Database(database)
    table = Table.build(*await load_configuration(db, REGION, TIME_ZONE))
    await db.close()
    headers = {"Authorization": "Basic " + b64encode(login.encode()).decode()}
    address = f"ws://127.0.0.1:{port}/ari/events?app=bench"
    async with connect(address, additional_headers=headers, compression=None) as socket:
        print("ready", flush=True)  # noqa: T201  # the bench waits for this line
        async for message in socket:
            event = json.loads(message)
            if event["type"] == "StasisStart":
                channel = event["channel"]["id"]
                dialled, caller = event["args"]
                await send_on(socket, channel, steps_for(dialled, caller, channel, table))


async def send_on(socket: ClientConnection, channel: str, steps: str) -> None:
    # Asterisk handles the requests of one socket in turn, so the second needn't wait for the answer to the first.
    await request(socket, f"channels/{channel}/variable", variable="ROUTER_COPY", value=steps)
    await request(socket, f"channels/{channel}/continue", context="bench-deliver", extension="s", priority="1")


async def request(socket: ClientConnection, uri: str, **query: str) -> None:
    query_strings = [{"name": name, "value": value} for name, value in query.items()]
    message = {"type": "RESTRequest", "request_id": str(next(NUMBERS)), "method": "POST", "uri": uri}
    await socket.send(json.dumps(message | {"query_strings": query_strings}))


def steps_for(dialled: str, caller: str, uniqueid: str, table: Table) -> str:
    decision = decide(CallFacts(dialled=dialled, caller=read_number(caller, REGION)), table, datetime.now(UTC))
    return "~".join(part for part in encode_plan(decision.plan, uniqueid).split("~") if part[:2] in ("r=", "q="))


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
