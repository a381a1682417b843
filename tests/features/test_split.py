import numpy as np

from segue.features.split import ARTIST_SHARES, TEST, TRAIN, VALIDATION, split_by_hash


def test_parts_have_their_shares() -> None:
    parts = split_by_hash([f"artist {number}" for number in range(20_000)], ARTIST_SHARES)
    shares = np.bincount(parts, minlength=3) / len(parts)
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.01)


def test_an_artist_never_moves() -> None:
    # known answers: a change of the hash would move artists between training and test
    names = ["queen", "nina simone", "봄날", "", "abba", "prince"]
    together = split_by_hash(names, ARTIST_SHARES)
    alone = [int(split_by_hash([name], ARTIST_SHARES)[0]) for name in names]
    assert together.tolist() == alone
    assert set(alone) <= {TRAIN, VALIDATION, TEST}
    assert alone == [_expected(name) for name in names]


def _expected(name: str) -> int:
    import hashlib

    point = int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) / 16**16
    return TRAIN if point < 0.8 else VALIDATION if point < 0.9 else TEST
