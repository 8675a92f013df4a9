"""What the language model's experiment prints and draws."""

from pathlib import Path

from .results import can_draw, replace


def summary(result: dict) -> str:
    """Writes the result for a reader.

    Args:
        result: of `experiments.language_model.train`.
    """
    config, corpus = result["config"], result["corpus"]
    ours, bigram = result["valid_perplexity"], result["bigram_perplexity"]
    name = f"{config['cell']}, {config['num_layers']} x {config['num_hidden']}"
    verdict = "below" if ours < bigram else "above"
    ratio = abs(1 - ours / bigram)
    return "\n".join(
        [
            "",
            f"{corpus['name']}, {config['tokens']}: {corpus['num_train']:,} to train "
            f"on, {corpus['num_valid']:,} held out, {corpus['num_ids']:,} different "
            f"({corpus['unknown_rate']:.1%} of the held-out ones unknown)",
            f"{name}: {result['num_weights']:,} weights, {result['num_updates']:,} "
            f"updates, {result['num_tokens']:,} tokens read, "
            f"stopped by the {result['stopped_by']}",
            "",
            f"held-out perplexity   {name:<24}{ours:8.1f}",
            f"                      {'bigram, Kneser-Ney':<24}{bigram:8.1f}",
            f"                      {ratio:.1%} {verdict} the bigram",
            "",
            f"written by the model, temperature {config['temperature']}:",
            "",
            *(f"  {line}" for line in result["sample"]),
        ]
    )


def draw(path: Path, result: dict) -> list[Path]:
    """Draws the learning curves against the bigram's line; returns the paths."""
    if not can_draw():
        return []
    from matplotlib.figure import Figure

    config, bigram = result["config"], result["bigram_perplexity"]
    figure = Figure(figsize=(6.4, 4.2), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*result["train"], strict=True), color="0.65", label="training text")
    updates, perplexities = zip(*result["valid"], strict=True)
    axes.plot(updates, perplexities, "o-", color="tab:blue", label="held-out text")
    axes.axhline(
        bigram, color="tab:red", ls="--", label=f"bigram, Kneser-Ney: {bigram:.1f}"
    )
    axes.annotate(
        f"{perplexities[-1]:.1f}",
        (updates[-1], perplexities[-1]),
        xytext=(0, -14),
        textcoords="offset points",
        ha="center",
        color="tab:blue",
    )
    _label(axes, config, result["corpus"]["name"])
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def _label(axes, config: dict, corpus_name: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    tokens_each = config["batch_size"] * config["num_steps"]
    axes.set_xlabel(f"updates, of {tokens_each:,} {config['tokens']} each")
    axes.set_ylabel("perplexity")
    layers = "layer" if config["num_layers"] == 1 else "layers"
    axes.set_title(
        f"{config['cell']}, {config['num_layers']} {layers} of {config['num_hidden']}: "
        f"{corpus_name}",
        fontsize="medium",
    )
    axes.grid(alpha=0.3)
    axes.legend()
