"""Is the API there where it should be, and gone when it should?"""

import asyncio

import httpx2
import pytest

from router.web.server import CannotListen, WebServer, is_loopback
from tests.web.conftest import Office


async def test_the_server_answers_until_it_is_told_to_stop(office: Office) -> None:
    server = WebServer(office.app, "127.0.0.1", 0)
    async with asyncio.TaskGroup() as tasks, httpx2.AsyncClient() as client:
        running = tasks.create_task(server.run())
        alive = await client.get(f"{server.url}/healthz")
        server.stop()
        await running
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"{server.url}/healthz")

    assert alive.json() == {"alive": True}


async def test_a_port_that_is_taken_is_refused_in_one_sentence(office: Office) -> None:
    first = WebServer(office.app, "127.0.0.1", 0)

    with pytest.raises(CannotListen, match=r"can't listen on 127\.0\.0\.1 port \d+: Address already in use"):
        WebServer(office.app, "127.0.0.1", first.port)

    first.close()


def test_an_address_of_another_machine_is_refused_in_one_sentence(office: Office) -> None:
    with pytest.raises(CannotListen, match=r"can't listen on 192\.0\.2\.1"):
        WebServer(office.app, "192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("127.9.9.9", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_only_loopback_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
