"""The commands of `elman vectors`: train, nearest, similarity, evaluate."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from elman.console import FLAG, JSON, number, print_json, print_table
from elman.files import check_apart, check_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from elman.text.vectors import Progress

__all__ = ["app"]

app = App(name="vectors", help="Word vectors: train them from text, look at them, judge them.", help_format="plaintext")


@app.command
def train(
    corpus: str,
    /,
    *,
    out: Path,
    dim: int = 100,
    window: int = 5,
    negative: int = 10,
    epochs: int = 5,
    min_count: int = 5,
    skip_gram: FLAG = False,
    tokens: str = "words",
    cased: FLAG = False,
    sample: float = 1e-3,
    rate: float | None = None,
    share_error: Annotated[bool, Parameter(negative="--whole-error")] = True,
    max_words: int | None = None,
    column: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    json: JSON = False,
) -> int:
    """Train word vectors by CBOW, or by skip-gram, with negative sampling.

    Parameters
    ----------
    corpus
        A file, a folder, or A,B: plain text (a line is a text), JSON lines (texts, or lists of tokens) or tables,
        compressed ones too; larger than memory is fine.
    out
        Where to write: .safetensors (also without a suffix), .bin (word2vec binary), .txt or .vec (word2vec text).
    dim
        Numbers per word: 50, 100 or 300 as a rule.
    window
        Words looked at on each side.
    negative
        Noise words for each word.
    epochs
        Times through the corpus.
    min_count
        Rarer words get no vector.
    skip_gram
        Predict a word from each neighbour, not from their mean: slower, better for rare words.
    tokens
        words (lower-case words), or treebank (punctuation and split contractions too). Chinese, Japanese and Thai are
        split into characters. Lists of tokens are taken as they are.
    cased
        Keep capitals apart.
    sample
        Threshold above which frequent words are thinned out; 0 keeps all.
    rate
        Learning rate at first; by default .15, with --whole-error .05, for skip-gram .025.
    share_error
        Each context word gets its share of the error, the gradient of their mean; --whole-error is word2vec's way.
    max_words
        Keep at most this many words.
    column
        Field or column of the text; by default "text", or the only one.
    threads
        By default one per core; one thread gives the same vectors every time.
    seed
        Of first values, windows and noise.
    """
    from elman.text.vectors import Settings
    from elman.text.vectors import train as train_vectors
    from elman.text.vectors.formats import check_place

    check_place(out)  # before the work, not after
    check_apart(out, *corpus.split(","))
    settings = Settings(
        dim=dim, window=window, negative=negative, epochs=epochs, min_count=min_count, skip_gram=skip_gram,
        tokens=tokens, lower=not cased, sample=sample, rate=rate, share_error=share_error, max_words=max_words,
        threads=threads, seed=seed,
    )  # fmt: skip
    with _bar() as progress:
        vectors = train_vectors(corpus, settings, column=column, progress=progress)
    vectors.save(out)
    about = vectors.about
    if json:
        print_json({"out": str(out), "words": len(vectors)} | about)
    print(
        f"{len(vectors):,} words of {about['raw_words']:,} read in {about['reading_seconds']:.1f} s; "
        f"{about['epochs']} epochs in {about['training_seconds']:.1f} s, "
        f"{about['words_a_second']:,} words/s, {about['kernel']}, {about['threads']} threads; written to {out}",
        file=sys.stderr,
    )
    return 0


@app.command
def nearest(
    vectors: Path,
    words: Annotated[list[str], Parameter(negative="")],
    /,
    *,
    minus: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    n: int = 10,
    json: JSON = False,
) -> int:
    """The words nearest to a word, or to the sum of several, with the cosine of the angle between.

    Parameters
    ----------
    vectors
        A file of word vectors: safetensors, word2vec text or binary, GloVe, fastText text.
    words
        Any words in it.
    minus
        A word whose direction is taken away, as in: nearest V king woman --minus man. May be repeated.
    n
        How many.
    """
    from elman.text.vectors import WordVectors

    found = WordVectors.load(vectors).most_similar(words, minus or [], n)
    if json:
        asked = {"word": words[0]} if len(words) == 1 and not minus else {"words": words, "minus": minus or []}
        print_json({**asked, "nearest": [{"word": w, "cosine": round(c, 6)} for w, c in found]})
    else:
        for near, cosine in found:
            print(f"{cosine:.3f}  {near}")
    return 0


@app.command
def similarity(vectors: Path, a: str, b: str, /, *, json: JSON = False) -> int:
    """The cosine of the angle between two words.

    Parameters
    ----------
    vectors
        A file of word vectors: safetensors, word2vec text or binary, GloVe, fastText text.
    a
        A word.
    b
        Another.
    """
    from elman.text.vectors import WordVectors

    cosine = WordVectors.load(vectors).similarity(a, b)
    if json:
        print_json({"words": [a, b], "cosine": round(cosine, 6)})
    else:
        print(f"{cosine:.3f}")
    return 0


@app.command
def evaluate(vectors: Path, /, *, out: Path | None = None, json: JSON = False) -> int:
    """Judge vectors by 13 lists of similarity judgements and 19,544 analogies.

    Parameters
    ----------
    vectors
        A file of word vectors: safetensors, word2vec text or binary, GloVe, fastText text.
    out
        Also write a report (.html): the lists, nearest neighbours, and the words in the plane.
    """
    from elman.text.vectors import WordVectors
    from elman.text.vectors import evaluate as judge

    if out is not None:
        check_file(out)
        check_apart(out, vectors)
    loaded = WordVectors.load(vectors)
    found = judge(loaded)
    if json:
        print_json(found)
    else:
        for figure, lists, unit in (("spearman", "similarity", "pairs"), ("accuracy", "analogies", "questions")):
            rows = [[s["name"], number(s[figure]), f"{s['known']:,}", f"{s[unit]:,}"] for s in found[lists]]
            print_table([lists, figure, "known", unit], rows)
            print()
        print(f"all analogies: {number(found['analogy_accuracy'])}, {found['analogy_coverage']:.1%} known")
        if not any(s["known"] for s in found["similarity"] + found["analogies"]):
            print("none of the words in these lists, which are English, has a vector here", file=sys.stderr)
    if out is not None:
        from elman.report.vectors import write_vectors

        write_vectors(out, loaded, found, vectors.name)
        print(f"report written to {out}", file=sys.stderr)
    return 0


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None] | None]:
    """A bar with words a second on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None, said="")

        def show(at: Progress) -> None:
            said = f"{at.done:,} words, {at.words_a_second:,.0f} words/s"
            bar.update(task, description=at.phase, completed=at.done, total=at.total or None, said=said)

        yield show
