"""For every test: no output, no network, its own home folder. The options of pytest allow only loopback sockets."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HOME = Path(tempfile.mkdtemp(prefix="satiety-home-"))
"""No test reads or changes the home of the user. Set at import, because some libraries read it when imported."""

for name in [
    name for name in os.environ if name.startswith(("SATIETY_", "MLFLOW_", "PREFECT_", "DVC_", "HF_", "XDG_"))
]:
    del os.environ[name]
os.environ |= {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": str(HOME / "gitconfig"),
    "HF_HUB_OFFLINE": "1",
    "HOME": str(HOME),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NO_COLOR": "1",
    "OMP_NUM_THREADS": "1",  # two workers on two cores: more threads would only wait for each other
    "PREFECT_HOME": str(HOME / "prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "SATIETY_JOIN": "false",  # tests must not use the services of this checkout
    "TOKENIZERS_PARALLELISM": "false",
}
(HOME / "gitconfig").write_text("[user]\nname = Test\nemail = test@example.org\n[init]\ndefaultBranch = main\n")


# A background job of a shell ignores SIGINT, and so would the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep bytes out of test ids: compressed bytes contain the time, and every worker must collect the same ids."""
    return argname if isinstance(val, bytes) else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the home folder."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random T5 with two narrow encoder and decoder layers, and a tokenizer: the base of generative problems."""
    from tests.generating import write_writer

    return write_writer(tmp_path_factory.mktemp("writer"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two narrow layers, and a tokenizer of some English words, letters and Chinese characters."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [
        "query",
        "the",
        "good",
        "bad",
        "film",
        "hotel",
        "anna",
        "lives",
        "in",
        "paris",
        *"我爱北京天安门这部电影很好看差酒店王小明住在上海的是不",
    ]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:!?"
    pieces = [*special, *words, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **shape))
    model.save_pretrained(folder)
    return folder
