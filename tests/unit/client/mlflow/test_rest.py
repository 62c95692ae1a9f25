"""Requests to MLflow, whose way leads through a forwarded port."""

import asyncio

from alidade.mlflow.rest import Mlflow

ANSWER = b'{"run": {"info": {"run_id": "1"}}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def _closes_when_used_again(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD % len(ANSWER) + ANSWER)
    await writer.drain()
    await reader.read(1)
    writer.close()


async def test_no_request_is_lost_on_a_connection_that_the_other_end_has_done_with() -> None:
    async with await asyncio.start_server(_closes_when_used_again, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Mlflow(f"http://127.0.0.1:{port}", {}) as mlflow:
            runs = [await mlflow.run("1") for _ in range(3)]
    assert [run["info"]["run_id"] for run in runs] == ["1", "1", "1"]
