"""Fonts for figures whose words may be of any script."""

# matplotlib's own, then those with Chinese characters that systems come with.
FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)


def font_for(text: str) -> str | None:
    """Returns the first of `FONTS` that is installed and has every character."""
    from matplotlib import font_manager, ft2font

    installed = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    for name in FONTS:
        if name in installed:
            characters = ft2font.FT2Font(installed[name]).get_charmap()
            if all(ord(character) in characters for character in text):
                return name
    return None
