"""Languages are detected by script, then by words; otherwise a text is `und`."""

import pytest

from satiety.text.language import detect_languages


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The flight was delayed and nobody told us anything.", "en"),
        ("@united https://t.co/x thanks for the great service today!", "en"),
        ("Das Hotel war sauber, aber das Frühstück leider enttäuschend.", "de"),
        ("C'est vraiment une belle journée pour se promener.", "fr"),
        ("El servicio fue excelente y la comida estaba muy rica.", "es"),
        ("酒店服务很好，下次还来", "zh"),
        ("iPhone 手机很好用", "zh"),
        ("優れた髙の店", "ja"),
        ("我爱の北京天安门广场上太阳升起来了", "zh"),
        ("これはとても良い本です", "ja"),
        ("오늘 날씨가 참 좋네요", "ko"),
        ("Сегодня хорошая погода", "ru"),
        ("Сьогодні гарна погода, її люблять", "uk"),
        ("الخدمة ممتازة", "ar"),
        ("خدمات چطور بود", "fa"),
        ("השירות היה מצוין", "he"),
        ("Η εξυπηρέτηση ήταν καλή", "el"),
        ("บริการดีมาก", "th"),
        ("सेवा बहुत अच्छी थी", "hi"),
        ("ok", "und"),
        ("no problem", "und"),
        ("12345 !!! :-)", "und"),
        ("", "und"),
        ("https://example.org/a/long/path/of/words @somebody_long #hashtag", "und"),
    ],
)
def test_the_language_of_a_text_is_detected(text: str, code: str) -> None:
    assert detect_languages([text]) == [code]


def test_the_language_of_a_text_does_not_depend_on_other_texts() -> None:
    texts = ["Das Hotel war leider nicht sauber genug", "服务很好", "ok", "La comida estaba muy rica ayer"] * 50
    assert detect_languages(texts) == [detect_languages([text])[0] for text in texts]


def test_no_texts_have_no_languages() -> None:
    assert detect_languages([]) == []
