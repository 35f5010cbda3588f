"""The problem `ner`: decode is the inverse of encode, and the score equals that of seqeval."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example
from satiety.problems import IGNORE, PROBLEMS, Prediction, Rewrite, Window
from satiety.problems.base import ZeroShotModel
from satiety.problems.ner import Ner
from satiety.text.words import split_units

NER = Ner(labels=["LOC", "ORG", "PER"])
WORDS = [
    *"江泽民北京新华社在说，。１９９８年",
    "Trump",
    "Paris",
    "said",
    "don",
    "’",
    "t",
    "@joe",
    "!",
    "🎉",
    "x" * 30,
    " ",
    "\n",
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """Return a WordPiece tokenizer that splits words into pieces and knows little."""
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "t",
        "##r",
        "##u",
        "##m",
        "##p",
        "p",
        "##a",
        "##i",
        "##s",
        "x",
        "##x",
        *"江泽民北京",
    ]
    raw = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]")


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Draw a text of English and Chinese pieces, with spans that begin and end where units do."""
    text = "".join(draw(st.lists(st.sampled_from(WORDS), max_size=60)))
    places = split_units(text)
    cuts = draw(st.lists(st.integers(0, len(places)), unique=True).map(sorted)) if places else []
    labels = st.sampled_from(["LOC", "ORG", "PER", None])
    spans = [
        Span(places[a][0], places[b - 1][1], label) for a, b in pairwise(cuts) if (label := draw(labels)) is not None
    ]
    return Example(id="x", inputs={"text": text}, answer=Spans(tuple(spans)))


def make_certain_logits(windows: Sequence[Window]) -> list[np.ndarray[Any, Any]]:
    """Return the logits of a model that is certain of the gold tags."""
    return [np.array([[9.0 * (i == t) for i in range(len(NER.classes))] for t in w.targets]) for w in windows]


class TestEncodeAndDecode:
    @given(batch=st.lists(examples(), max_size=3), max_length=st.integers(8, 40))
    def test_decode_is_the_inverse_of_encode(self, tokenizer: Any, batch: list[Example], max_length: int) -> None:
        windows = NER.encode(batch, tokenizer, max_length)
        decoded = NER.decode(batch, windows, make_certain_logits(windows))
        assert [p.answer.mentions for p in decoded] == [example.answer.mentions for example in batch]

    @given(example=examples(), max_length=st.integers(8, 40))
    def test_every_unit_is_in_one_window(self, tokenizer: Any, example: Example, max_length: int) -> None:
        windows = NER.encode([example], tokenizer, max_length)
        assert sorted(u for w in windows for u in w.units if u >= 0) == list(range(len(split_units(example.text))))
        assert all(len(w.input_ids) <= max_length for w in windows)

    def test_only_first_sub_tokens_are_trained(self, tokenizer: Any) -> None:
        (window,) = NER.encode([Example("x", {"text": "Trump"}, answer=Spans((Span(0, 5, "PER"),)))], tokenizer, 16)
        assert len(window.input_ids) == 7  # [CLS] t ##r ##u ##m ##p [SEP]
        assert window.targets == [IGNORE, NER.classes.index("B-PER"), *[IGNORE] * 5]

    def test_inside_tags_without_a_begin_tag_give_at_most_one_entity(self, tokenizer: Any) -> None:
        example = Example("x", {"text": "北京"})
        (window,) = NER.encode([example], tokenizer, 16)
        logits = np.zeros((len(window.units), len(NER.classes)))
        logits[:, NER.classes.index("I-LOC")] = 9
        (prediction,) = NER.decode([example], [window], [logits])
        assert prediction.answer.mentions in ((), (Span(0, 2, "LOC"),))


class TestScore:
    @given(batch=st.lists(examples(), min_size=1, max_size=4))
    def test_gold_answers_score_one(self, batch: list[Example]) -> None:
        metrics = NER.metrics_from_counts(NER.tally(batch, [Prediction(e.answer) for e in batch]).sum(0))
        assert metrics["entity_f1"] == (1.0 if any(e.answer.mentions for e in batch) else 0.0)

    @given(batch=st.lists(examples(), min_size=1, max_size=4))
    def test_empty_answers_score_zero(self, batch: list[Example]) -> None:
        assert NER.metrics_from_counts(NER.tally(batch, [Prediction() for _ in batch]).sum(0))["entity_f1"] == 0

    @given(pairs=st.lists(st.tuples(examples(), st.randoms(use_true_random=False)), min_size=1, max_size=4))
    def test_the_score_equals_the_strict_score_of_seqeval(self, pairs: list[tuple[Example, Any]]) -> None:
        gold, predictions, gold_tags, predicted_tags = [], [], [], []
        for example, rng in pairs:
            noisy = tuple(
                s if rng.random() < 0.5 else Span(s.start, s.end, "LOC")
                for s in example.answer.mentions
                if rng.random() < 0.8
            )
            gold.append(example)
            predictions.append(Prediction(Spans(noisy)))
            gold_tags.append(tag_characters(example.text, example.answer.mentions))
            predicted_tags.append(tag_characters(example.text, noisy))
        actual = NER.metrics_from_counts(NER.tally(gold, predictions).sum(0))["entity_f1"]
        if any(e.answer.mentions for e in gold):
            expected = f1_score(gold_tags, predicted_tags, mode="strict", scheme=IOB2, zero_division=0)
            assert actual == pytest.approx(expected)

    def test_a_moved_boundary_is_wrong(self) -> None:
        gold = [Example("x", {"text": "新华社北京"}, answer=Spans((Span(0, 3, "ORG"),)))]
        predictions = [Prediction(Spans((Span(0, 5, "ORG"),)))]
        assert NER.metrics_from_counts(NER.tally(gold, predictions).sum(0))["entity_f1"] == 0

    def test_an_entity_of_three_pieces_counts_once(self) -> None:
        gold = [Example("x", {"text": "江泽民"}, answer=Spans((Span(0, 3, "PER"),)))]
        assert NER.tally(gold, [Prediction(gold[0].answer)]).sum() == 3  # one correct, one predicted, one gold


def tag_characters(text: str, spans: Sequence[Span]) -> list[str]:
    tags = ["O"] * len(text)
    for span in spans:
        tags[span.start : span.end] = [f"B-{span.label}", *[f"I-{span.label}"] * (span.end - span.start - 1)]
    return tags or ["O"]


class TestZeroShot:
    def test_zero_shot_finds_the_longest_mention_of_train(self) -> None:
        train = [
            Example("a", {"text": "新华社北京电"}, answer=Spans((Span(0, 3, "ORG"), Span(3, 5, "LOC")))),
            Example("b", {"text": "Paris"}, answer=Spans((Span(0, 5, "LOC"),))),
        ]
        (zh, en) = NER.zero_shot(
            train,
            NER.build_examples(["新华社在北京", "in Paris, Parisian"]),
            ZeroShotModel(lambda texts: np.zeros((len(texts), 2))),
        )
        assert zh.answer.mentions == (Span(0, 3, "ORG"), Span(4, 6, "LOC"))
        assert en.answer.mentions == (Span(3, 8, "LOC"),)


class TestTransfer:
    example = Example("x", {"text": "I met Trump there"}, answer=Spans((Span(6, 11, "PER"),)))

    def test_entities_among_the_inputs_move_along_or_the_copy_is_refused(self) -> None:
        inputs = {"text": "Bob met Ann", "entities": (Span(0, 3, "PER"), Span(8, 11, "PER"))}
        example = Example("1", inputs, Label("friends"))
        swapped = (
            PROBLEMS["classify"]
            .sample()
            .project_labels(example, Rewrite("Ann met Bob", ((0, 8, 3), (8, 0, 3))), "text")
        )
        assert swapped.inputs["entities"] == (Span(8, 11, "PER"), Span(0, 3, "PER"))
        assert swapped.answer == Label("friends")
        assert (
            PROBLEMS["classify"].sample().project_labels(example, Rewrite("Bob met An", ((0, 0, 10),)), "text") is None
        )

    def test_an_unchanged_entity_moves_with_its_words(self) -> None:
        shifted = NER.project_labels(
            self.example, Rewrite("there I met Trump", alignment=((0, 6, 11), (12, 0, 5))), "text"
        )
        assert shifted is not None
        assert shifted.text[shifted.answer.mentions[0].start : shifted.answer.mentions[0].end] == "Trump"

    def test_a_rewrite_that_splits_an_entity_is_refused(self) -> None:
        assert (
            NER.project_labels(self.example, Rewrite("I met Tru there", alignment=((0, 0, 9), (11, 9, 6))), "text")
            is None
        )

    def test_a_replaced_entity_has_the_place_of_its_substitute(self) -> None:
        rewrite = Rewrite("I met Ann Lee there", ((0, 0, 6), (11, 13, 6)), ((6, 11, 6, 13),))
        replaced = NER.project_labels(self.example, rewrite, "text")
        assert replaced is not None
        assert replaced.answer.mentions == (Span(6, 13, "PER"),)

    def test_an_entity_of_which_a_part_was_replaced_is_refused(self) -> None:
        rewrite = Rewrite("I met Tram there", ((0, 0, 8), (11, 10, 6)), ((8, 11, 8, 10),))
        assert NER.project_labels(self.example, rewrite, "text") is None

    def test_a_rewrite_without_an_alignment_is_refused(self) -> None:
        assert NER.project_labels(self.example, Rewrite("I saw Trump", alignment=None), "text") is None


class TestRead:
    def test_spans_are_sorted(self) -> None:
        assert NER.read({"text": "北京 Paris", "spans": [(3, 8, "LOC"), (0, 2, "LOC")]})[1].mentions[0] == Span(
            0, 2, "LOC"
        )

    @pytest.mark.parametrize(
        ("spans", "message"),
        [
            ([(0, 9, "LOC")], r"span 0:9 is outside a text of 2 characters"),
            ([(1, 1, "LOC")], r"span 1:1 is outside"),
            ([(0, 2, "LOC"), (1, 2, "PER")], r"span 1:2 overlaps the previous span"),
            ([(0, 2, "DATE")], r"entity type 'DATE' is not one of: LOC, ORG, PER"),
        ],
    )
    def test_invalid_spans_are_refused_with_the_reason(self, spans: list[tuple[int, int, str]], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            NER.read({"text": "北京", "spans": spans})


def test_outcomes_and_confusions_count_whole_entities() -> None:
    gold = [Example("x", {"text": "江泽民在北京"}, answer=Spans((Span(0, 3, "PER"), Span(4, 6, "LOC"))))]
    predictions = [Prediction(Spans((Span(0, 3, "ORG"), Span(4, 6, "LOC"))), scores={"0:3": 0.4, "4:6": 0.9})]
    assert NER.confidence_correct(gold, predictions) == [(0.4, False), (0.9, True)]
    assert NER.confusions(gold, predictions) == [("PER", "ORG"), ("LOC", "LOC")]


def test_a_saved_problem_loads_as_it_was(tmp_path: Any) -> None:
    NER.save(tmp_path / "problem.json")
    assert PROBLEMS["ner"].load(tmp_path / "problem.json") == NER
