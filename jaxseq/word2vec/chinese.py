"""Chinese words, which no space separates, by the segmenter jieba.

It cuts by a dictionary, choosing the most probable path, and by a hidden Markov model
where the dictionary has nothing. The implementation, rjieba, comes with the extra
`chinese`; it is compiled, and imported with the first text.
"""


def words(text: str) -> list[str]:
    """The words and punctuation marks of a text, without white space.

        >>> words("我爱学习爱劳动，是个好青年")
        ['我', '爱', '学习', '爱劳动', '，', '是', '个', '好', '青年']

    Joined they are the text again, less its white space; the words of a word by itself
    may be others than in its text.

    Args:
      text: Chinese, with anything between.

    Raises:
      ModuleNotFoundError: if rjieba is not installed; it names the extra.
    """
    try:
        import rjieba
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Chinese words need rjieba: pip install "jaxseq[chinese]"', name="rjieba"
        ) from error
    return list(filter(str.strip, rjieba.cut(text)))
