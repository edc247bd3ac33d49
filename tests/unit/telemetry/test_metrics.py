"""Tests for app.telemetry.metrics."""

from __future__ import annotations

from app.telemetry.metrics import Metrics


class TestMetrics:
    """Tests for app.telemetry.metrics.Metrics."""

    def test_two_programs_in_one_process_count_apart(self) -> None:
        """A test, or a second app, starts at zero."""
        one, other = Metrics(), Metrics()

        one.labels_written.inc(3)

        assert b"confluence_ai_labels_written_total 3.0" in one.render()
        assert b"confluence_ai_labels_written_total 0.0" in other.render()

    def test_every_metric_has_a_meaning_and_our_prefix(self) -> None:
        """A monitor shows what each is for."""
        text = Metrics().render().decode()

        helps = [line for line in text.splitlines() if line.startswith("# HELP")]
        assert len(helps) >= 19
        for line in helps:
            _, _, name, meaning = line.split(" ", 3)
            assert name.startswith("confluence_ai_")
            assert len(meaning.split()) >= 2

    def test_labelled_metrics_take_their_words(self) -> None:
        """Each can be counted with the labels that the program uses."""
        metrics = Metrics()

        metrics.events.labels("forge", "queued").inc()
        metrics.refusals.labels("/x", "NotAuthenticated").inc()
        metrics.jobs.labels("label_page", "done").inc()
        metrics.job_seconds.labels("label_page").observe(1)
        metrics.job_wait_seconds.labels("label_page").observe(1)
        metrics.ai_calls.labels("local", "done").inc()
        metrics.ai_seconds.labels("local").observe(0.1)
        metrics.ai_tokens.labels("openai", "cached").inc(5)
        metrics.ai_cost.labels("openai", "m").inc(0.25)
        metrics.fallbacks.labels("openai", "gemini", "refused").inc()
        metrics.quota_news.labels("openai", "cooldown").inc()
        metrics.preflight_seconds.labels("openai").observe(0.1)
        metrics.micro_batch.labels("openai").observe(200)
        metrics.queue_depth.labels("label_page", "ready").set(1)

        text = metrics.render().decode()
        assert 'confluence_ai_events_total{host="forge",outcome="queued"} 1.0' in text
        assert 'confluence_ai_job_seconds_count{kind="label_page"} 1.0' in text
        cost = 'confluence_ai_ai_cost_usd_total{model="m",provider="openai"} 0.25'
        assert cost in text

    def test_calls_in_flight_have_buckets_of_calls_not_of_seconds(self) -> None:
        """Two hundred calls are no five minutes."""
        metrics = Metrics()

        metrics.micro_batch.labels("openai").observe(200)

        text = metrics.render().decode()
        bucket = 'confluence_ai_ai_micro_batch_calls_bucket{le="%s",provider="openai"}'
        assert f"{bucket % '128.0'} 0.0" in text
        assert f"{bucket % '256.0'} 1.0" in text
