"""A component is one named choice; a registry finds it, builds it, and says what there is."""

from typing import Any

import pytest
from pydantic import Field, TypeAdapter

from satiety.core import registry
from satiety.core.registry import Component, Registry


class Lamp(Component):
    """Gives light."""

    watts: int = Field(ge=1, le=100, examples=[40])
    """Power, in watts."""


@pytest.fixture(autouse=True)
def _isolate_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the registries of these tests afterwards."""
    monkeypatch.setattr(registry, "_REGISTRIES", [*registry._REGISTRIES])


@pytest.fixture
def lamps(monkeypatch: pytest.MonkeyPatch) -> Registry[Any]:
    monkeypatch.setattr(Registry, "_discover", lambda _: None)
    lamp_registry: Registry[Any] = Registry("lamp", "nowhere")
    lamp_registry.register("desk")(type("Desk", (Lamp,), {}))
    lamp_registry.register("alcove")(type("Alcove", (Lamp,), {}))
    return lamp_registry


def test_names_come_in_alphabetical_order(lamps: Registry[Any]) -> None:
    assert list(lamps) == ["alcove", "desk"]


def test_two_components_never_share_a_name(lamps: Registry[Any]) -> None:
    with pytest.raises(ValueError, match="two lamps are called 'desk'"):
        lamps.register("desk")


@pytest.mark.parametrize("name", [5, None, ["desk"], {"kind": "desk"}])
def test_invalid_name_is_refused_like_an_unknown_one(lamps: Registry[Any], name: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown lamp .*available: alcove, desk"):
        lamps[name]


def test_an_unknown_name_is_refused_with_what_there_is(lamps: Registry[Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown lamp 'dsk'; did you mean 'desk'\? available: alcove, desk"):
        lamps["dsk"]


def test_a_sample_is_made_of_the_examples_and_survives_a_round_trip(lamps: Registry[Any]) -> None:
    sample = lamps["desk"].sample()
    dumped = sample.model_dump()
    assert dumped == {"kind": "desk", "watts": 40}
    adapter: TypeAdapter[Any] = TypeAdapter(Lamp)
    assert lamps["desk"].model_validate({"watts": 40}) == sample
    assert adapter is not None


def test_a_package_is_searched_for_its_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lampshop"
    package.mkdir()
    base = "from satiety.core.registry import Component, Registry\nLAMPS = Registry('lamp', 'lampshop')\n"
    (package / "__init__.py").write_text(base)
    neon = "from lampshop import LAMPS\nfrom satiety.core.registry import Component\n"
    neon += "@LAMPS.register('neon')\nclass Neon(Component):\n    '''Glows.'''\n"
    (package / "neon.py").write_text(neon)
    monkeypatch.syspath_prepend(str(tmp_path))
    import lampshop  # type: ignore[import-not-found]

    assert list(lampshop.LAMPS) == ["neon"]
    assert lampshop.LAMPS["neon"].sample().model_dump() == {"kind": "neon"}
