import asyncio
import threading

import pytest

from mien.errors import EngineError
from mien.server.problems import RequestError
from mien.server.settings import Settings
from mien.server.trackers import Options, Pool, Seat


@pytest.fixture
def seat(cast):
    seat = Seat(Options(), cast)
    yield seat
    seat.close()


def test_a_tracker_is_built_in_the_thread_that_uses_it(seat, cast):
    built_in = []
    factory = cast.__class__.__call__

    def building(options):
        built_in.append(threading.get_ident())
        return factory(cast, options)

    seat._factory = building
    asyncio.run(seat.prepare())
    used_in = asyncio.run(seat.run(lambda tracker: threading.get_ident()))
    assert built_in == [used_in]
    assert used_in != threading.get_ident()


def test_a_tracker_that_was_discarded_is_built_again(seat, cast):
    asyncio.run(seat.prepare())
    seat.discard()
    assert asyncio.run(seat.run(lambda tracker: tracker)) is cast.built[1]
    assert cast.built[0].calls[-1] == "close"


def test_options_survive_a_failure(seat, cast):
    asyncio.run(seat.prepare())
    cast.broken = EngineError("it does not start; ask mien doctor")
    with pytest.raises(EngineError):
        asyncio.run(seat.configure(Options(max_faces=3)))
    assert seat.options == Options()
    assert asyncio.run(seat.run(lambda tracker: tracker)) is cast.built[0]


def test_engines_do_not_start_at_the_same_time(cast):
    """One that starts turns off the stderr of the process; two would leave it off."""
    inside, overlaps = [], []

    def slow(options):
        overlaps.append(bool(inside))
        inside.append(1)
        entered.set()
        assert go.wait(20)
        inside.pop()
        return cast(options)

    entered, go = threading.Event(), threading.Event()
    seats = [Seat(Options(), slow) for _ in range(3)]

    async def all_at_once():
        tasks = [asyncio.create_task(seat.prepare()) for seat in seats]
        await asyncio.to_thread(entered.wait, 20)
        go.set()
        await asyncio.gather(*tasks)

    asyncio.run(all_at_once())
    for seat in seats:
        seat.close()
    assert overlaps == [False] * 3


def test_a_session_gives_its_tracker_back_whatever_happens(cast):
    pool = Pool(Settings(max_sessions=1), cast)

    async def borrow():
        async with pool.session():
            assert pool.active == 1
            with pytest.raises(RequestError, match="all 1 sessions are taken"):
                async with pool.session():
                    pass
            raise ZeroDivisionError

    async def borrow_twice():
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await borrow()
            assert pool.active == 0

    asyncio.run(borrow_twice())
    pool.close()


def test_who_comes_back_at_once_gets_the_place_it_left(cast):
    pool = Pool(Settings(max_sessions=1), cast)

    async def reload():
        leave = asyncio.Event()

        async def old_page():
            async with pool.session():
                await leave.wait()

        old = asyncio.create_task(old_page())
        await asyncio.sleep(0)
        waiting = asyncio.create_task(pool.session().__aenter__())
        await asyncio.sleep(0)
        assert not waiting.done()
        leave.set()
        await old
        return await waiting

    assert isinstance(asyncio.run(reload()), Seat)
    pool.close()


def test_a_tracker_that_does_not_build_gives_its_place_back(cast):
    pool = Pool(Settings(max_sessions=1), cast)
    cast.broken = EngineError("it does not start; ask mien doctor")

    async def borrow():
        async with pool.session():
            pass

    asyncio.run(pool.load())
    assert pool.problem.detail.code == "engine_failed"
    with pytest.raises(RequestError):
        asyncio.run(borrow())
    cast.broken = None
    asyncio.run(borrow())
    assert pool.problem is None
    pool.close()
