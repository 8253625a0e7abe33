from tests.support import *
async def test_a(engine):
    port = await listening(engine)
    with peer(port) as p:
        p.sendall(b"hello"); assert read_exactly(p,5)==b"hello"
        p.shutdown(1)
        assert read_all(p)==b""
    await engine.end()
    assert carried(engine.capture, 2, "send")==b"hello"
