"""Masked language modelling: masking, model and training run. These modules import torch."""
