"""Tests for app.domain.evaluation.sites: a page that is left out is truly gone."""

from __future__ import annotations

import pytest

from app.domain.evaluation.samples import Sample
from app.domain.evaluation.sites import Recollection, Site, by_source, chosen
from app.domain.memory import SiteMemory
from app.domain.ranking import rank
from tests.unit.domain.evaluated import make_sample, real_samples

_ALL = 10_000


def ranked(sample: Sample, known: Recollection) -> dict[str, float]:
    found = rank(known.memory, sample.text, limit=_ALL)
    return {one.name: one.score for one in found}


def unseen(site: Site, sample: Sample) -> dict[str, float]:
    """Rank on a memory that was made without ever seeing the page."""
    others = [one.remembered() for one in site.samples if one is not sample]
    memory = SiteMemory.build(others, vocabulary=site.memory.labels)
    return {one.name: one.score for one in rank(memory, sample.text, limit=_ALL)}


@pytest.fixture(scope="module")
def sites() -> list[Site]:
    """The sites of the sample pages."""
    return by_source(real_samples())


class TestWithout:
    """Tests for Site.without()."""

    def test_a_page_left_out_scores_as_if_it_had_never_been_learned(
        self, sites: list[Site]
    ) -> None:
        """Every label of every page, to the last digit that is told but one."""
        for site in sites:
            for sample in site.samples:
                found = ranked(sample, site.without(sample))
                expected = unseen(site, sample)
                assert found == pytest.approx(expected, abs=1e-5), sample.id

    def test_a_label_of_this_page_alone_scores_like_a_label_of_nobody(self) -> None:
        """Were anything of the page left, its own label would stand out."""
        pages = [make_sample("1", "xqz"), make_sample("2", "backup", text="Tapes.")]
        site = Site.of("site", pages, vocabulary=["wvk"])

        scores = ranked(pages[0], site.without(pages[0]))

        assert scores["xqz"] == scores["wvk"] < scores["backup"]

    def test_counts_leave_the_page_out(self) -> None:
        """What only it carries nobody else has taught."""
        pages = [make_sample("1", "a", "b"), make_sample("2", "b"), make_sample("3")]
        known = Site.of("site", pages).without(pages[0])

        assert dict(known.counts) == {"b": 1}
        assert known.labelled == 1
        assert known.memory.labels == {"a", "b"}

    def test_a_young_site_remembers_so_many_labelled_pages(
        self, sites: list[Site]
    ) -> None:
        """Never the page itself; a smaller choice is part of a bigger one."""
        site = sites[0]
        sample = site.samples[0]

        held = [
            set(site.without(sample, size=size).memory.traces) for size in (0, 3, 5, 99)
        ]

        assert [len(one) for one in held] == [0, 3, 5, len(site.samples) - 1]
        assert held[1] < held[2] < held[3]
        assert sample.id not in held[3]

    def test_the_choice_is_a_matter_of_the_seed(self, sites: list[Site]) -> None:
        """The same again each time, another with another seed."""
        site = sites[0]
        sample = site.samples[0]

        first, again, other = (
            set(site.without(sample, size=3, seed=seed).memory.traces)
            for seed in (1, 1, 2)
        )

        assert first == again != other

    def test_a_site_of_one_page_knows_its_labels_names_alone(self) -> None:
        """No page is left, and nothing breaks."""
        page = make_sample("1", "backup")
        known = Site.of("site", [page]).without(page)

        assert known.labelled == 0
        assert list(ranked(page, known)) == ["backup"]


class TestChosen:
    """Tests for chosen()."""

    def test_all_labelled_pages_by_default(self) -> None:
        """A page without labels is remembered and not asked about."""
        pages = [make_sample("1", "a"), make_sample("2"), make_sample("3", "b")]

        found = chosen([Site.of("site", pages)])

        assert [sample.id for _, sample in found] == ["1", "3"]

    def test_a_limit_draws_from_all_sites(self, sites: list[Site]) -> None:
        """In the order of the data, the same for the same seed."""
        every = [sample.id for _, sample in chosen(sites)]

        some = [sample.id for _, sample in chosen(sites, limit=9, seed=4)]

        assert len(some) == 9
        assert some == [one for one in every if one in some]
        assert some == [sample.id for _, sample in chosen(sites, limit=9, seed=4)]
        assert some != [sample.id for _, sample in chosen(sites, limit=9, seed=5)]
        assert len(chosen(sites, limit=999)) == len(every)
