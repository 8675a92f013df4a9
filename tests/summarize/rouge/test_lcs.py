"""Bits against the table of the definition."""

from hypothesis import given, strategies as st

from jaxseq.summarize.rouge import lcs


sequences = st.text("abcd", max_size=12).map(list) | st.text("ab", max_size=90).map(
    list
)


def table(x, y):
    L = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i, a in enumerate(x, start=1):
        for j, b in enumerate(y, start=1):
            if a == b:
                L[i][j] = L[i - 1][j - 1] + 1
            else:
                L[i][j] = max(L[i - 1][j], L[i][j - 1])
    return L


@given(sequences, sequences)
def test_length_is_that_of_the_table(x, y):
    assert lcs.length(x, y) == table(x, y)[-1][-1] == lcs.length(y, x)


@given(sequences, sequences)
def test_members_are_a_common_subsequence_of_that_length(x, y):
    found = lcs.members(x, y)
    assert found == sorted(set(found))
    assert len(found) == lcs.length(x, y)
    rest = iter(y)
    assert all(x[position] in rest for position in found)


def test_of_several_the_one_of_the_official_script():
    # From the end: b of x is passed over, since a alone is as long.
    assert lcs.members(list("ab"), list("ba")) == [0]
    assert lcs.members(list("aab"), list("a")) == [1]
