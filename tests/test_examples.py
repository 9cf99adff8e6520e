"""The examples find what they promise, each with a part of its usual budget."""

import pytest

from examples import (
    character_network,
    denoising_autoencoder,
    hamiltonian_monte_carlo,
    lenet,
    logistic_regression,
    multilayer_network,
    newton_linear_regression,
    restricted_boltzmann_machine,
)


def test_logistic_regression_beats_chance_by_far(capsys):
    assert logistic_regression.main(steps=200) > 0.85
    assert "test images answered rightly" in capsys.readouterr().out


@pytest.mark.parametrize("seed", [0, 1])
def test_multilayer_network_reads_digits(seed, capsys):
    assert multilayer_network.main(epochs=10, seed=seed) > 0.95
    assert "test images read rightly" in capsys.readouterr().out


def test_newton_lands_on_the_least_squares_fit(capsys):
    assert newton_linear_regression.main(count=200, steps=1) < 1e-8
    assert "off the least-squares fit" in capsys.readouterr().out


def test_lenet_reads_digits(capsys):
    assert lenet.main(epochs=5) > 0.94
    assert "test images read rightly" in capsys.readouterr().out


def test_denoising_autoencoder_cleans_images(capsys):
    assert denoising_autoencoder.main(epochs=15) < 0.18
    assert "cleaned" in capsys.readouterr().out


def test_hamiltonian_monte_carlo_finds_the_moments(capsys):
    assert hamiltonian_monte_carlo.main(steps=300) < 0.05
    assert "of the steps kept" in capsys.readouterr().out


def test_restricted_boltzmann_machine_learns_what_goes_together(capsys):
    assert restricted_boltzmann_machine.main(epochs=10) < 21
    assert "pixels by themselves reach" in capsys.readouterr().out


def test_character_network_learns_to_spell(capsys):
    assert character_network.main(epochs=10) < 2.3
    assert "it writes" in capsys.readouterr().out
