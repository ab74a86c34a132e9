import pytest

from mien.server.limits import Bucket, Buckets


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_second_of_burst_then_the_rate():
    clock = Clock()
    bucket = Bucket(4, clock)
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0, 0.25]
    clock.now += 0.25
    assert bucket.take() == 0
    assert bucket.take() == pytest.approx(0.25)


def test_it_does_not_save_up_for_ever():
    clock = Clock()
    bucket = Bucket(2, clock)
    clock.now += 1000
    assert [bool(bucket.take()) for _ in range(3)] == [False, False, True]


def test_a_rate_below_one_lets_the_first_pass():
    clock = Clock()
    bucket = Bucket(0.5, clock)
    assert bucket.take() == 0
    assert bucket.take() == pytest.approx(2.0)


def test_clients_do_not_share():
    buckets = Buckets(1, Clock())
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_old_clients_are_forgotten():
    buckets = Buckets(1, Clock(), most=2)
    for name in "aab":
        buckets.take(name)
    assert buckets.take("a") > 0
    buckets.take("c")  # b was heard of longest ago
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0
