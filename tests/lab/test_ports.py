"""Do private Asterisks stay out of each other's ports?"""

import socket
from contextlib import closing

from router.lab.ports import PASSING, RTP, Ports


def test_two_claims_share_no_port() -> None:
    with closing(Ports()) as one, closing(Ports()) as other:
        own = {one.one() for _ in range(20)} | set(range(one.rtp[0], one.rtp[1] + 1)) | {one.passing()}
        others = {other.one() for _ in range(20)} | set(range(other.rtp[0], other.rtp[1] + 1)) | {other.passing()}

        assert len(own) == 20 + RTP + 1
        assert own.isdisjoint(others)


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    with closing(Ports()) as ports, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", ports.one() + 2))

        assert ports.one() != taken.getsockname()[1]


def test_ports_for_a_while_never_run_out_and_never_meet_those_for_good() -> None:
    with closing(Ports()) as ports:
        for_good = {ports.one() for _ in range(20)}

        assert for_good.isdisjoint(ports.passing() for _ in range(2 * PASSING))
