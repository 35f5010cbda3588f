"""The names users may write in params.yaml. Removing one breaks users' files."""

import inspect
import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from cli.explain import collect_registries
from satiety.core.project import make_placeholder
from satiety.ingest.base import Limits
from satiety.params import section_classes
from satiety.training.arguments import TrainingArguments
from satiety.worth.section import Cost, FineTunedRuns, Worth

GOLDEN: dict[str, list[str]] = json.loads(Path("tests/contracts/registries.json").read_text(encoding="utf-8"))
ALL = [(kind, name) for kind, registry in collect_registries().items() for name in registry]


def test_registered_names_equal_the_golden_file() -> None:
    actual = {kind: list(registry) for kind, registry in collect_registries().items()}
    assert actual == GOLDEN, "a new name? add it to tests/contracts/registries.json; a lost one breaks users' files"


@pytest.mark.parametrize(("kind", "name"), ALL)
class TestEveryComponent:
    def test_its_class_and_fields_have_descriptions(self, kind: str, name: str) -> None:
        cls = collect_registries()[kind][name]
        assert inspect.getdoc(cls)
        assert not [field for field, info in cls.model_fields.items() if not info.description]

    def test_its_defaults_survive_json(self, kind: str, name: str) -> None:
        cls = collect_registries()[kind][name]
        required = {
            key: info.examples[0] for key, info in cls.model_fields.items() if info.is_required() and info.examples
        }
        instance = cls.model_validate(required, context=make_placeholder())
        generated = json.loads(json.dumps(instance.model_dump(mode="json")))
        assert generated.pop("kind") == name
        assert cls.model_validate(generated) == instance

    def test_its_sample_survives_yaml(self, kind: str, name: str) -> None:
        cls = collect_registries()[kind][name]
        generated = yaml.safe_load(yaml.safe_dump(cls.sample().model_dump(mode="json"), allow_unicode=True))
        assert generated.pop("kind") == name
        assert cls.model_validate(generated) == cls.sample()

    def test_is_frozen_and_refuses_a_field_it_does_not_know(self, kind: str, name: str) -> None:
        sample = collect_registries()[kind][name].sample()
        assert sample.model_config["frozen"]
        with pytest.raises(ValueError, match="Extra inputs are not permitted"):
            type(sample).model_validate({**sample.model_dump(exclude={"kind"}), "没有": 1})


def test_no_field_has_two_bounds_of_one_type() -> None:
    """Pydantic silently keeps only the last of them."""
    classes = [
        *section_classes().values(),
        *(collect_registries()[kind][name] for kind, name in ALL),
        FineTunedRuns,
        Cost,
        Limits,
        TrainingArguments,
    ]
    bounds = [
        (cls.__name__, name, [type(bound).__name__ for bound in info.metadata])
        for cls in classes
        for name, info in cls.model_fields.items()
    ]
    assert not [(cls, name) for cls, name, types in bounds if len(types) != len({*types})]


@pytest.mark.parametrize("value", [0, 2, 1001])
def test_a_bound_of_a_count_holds(value: int) -> None:
    good = Worth.load(Path("params.yaml")).model_dump(mode="json")
    with pytest.raises(ValidationError, match="replicates"):
        Worth.model_validate(good | {"replicates": value})
