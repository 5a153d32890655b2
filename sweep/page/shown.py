"""A result that answers its question and shows itself."""

from functools import cached_property

from sweep.results import result


class Result(result.Result):
    """What a sweep found; see `sweep.results.result.Result`.

    Attributes
    ----------
    answer : list of str
        The answer to the experiment's question, in sentences.
    """

    @cached_property
    def answer(self) -> list[str]:
        """The answer to the experiment's question, in sentences made from its numbers."""
        from sweep.analysis.findings import Findings
        from sweep.answer.answer import answer, incomplete

        findings = Findings(self)
        return [*incomplete(findings), *answer(findings)]

    def __str__(self) -> str:
        """The question and its answer."""
        asked = self.manifest.get("question") or self.manifest["name"]
        return "\n".join([asked, *(f"  {sentence}" for sentence in self.answer)])

    def _repr_html_(self) -> str:
        """What a notebook shows: the question, its answer, the main figure, how often runs converged."""
        from sweep.page.notebook import shown

        return shown(self)
