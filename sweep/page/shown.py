"""A result that answers its question and shows itself."""

from functools import cached_property
from typing import TYPE_CHECKING

from sweep.results import result

if TYPE_CHECKING:
    from sweep.analysis.findings import Findings


class Result(result.Result):
    """Result of a sweep; see `sweep.results.result.Result`.

    Attributes
    ----------
    answer : list of str
        The answer to the experiment's question, in sentences.
    """

    @cached_property
    def findings(self) -> "Findings":
        """Findings of the result, computed when asked for."""
        from sweep.analysis.findings import Findings

        return Findings(self)

    @cached_property
    def answer(self) -> list[str]:
        """The answer to the experiment's question, in sentences made from its numbers."""
        from sweep.answer.answer import answer, incomplete

        return [*incomplete(self.findings), *answer(self.findings)]

    def __str__(self) -> str:
        """The question and its answer."""
        asked = self.manifest.get("question") or self.manifest["name"]
        return "\n".join([asked, *(f"  {sentence}" for sentence in self.answer)])

    def _repr_html_(self) -> str:
        """Return a notebook's view: the question, its answer, the main figure, how often runs converged."""
        from sweep.page.notebook import shown

        return shown(self.findings, self.answer)
