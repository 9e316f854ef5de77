"""`elman.Classifier`, `elman.LanguageModel` and the others: the estimators with scikit-learn's base classes.

scikit-learn takes most of a second to import, and a trained model answers without it. So what learns and answers is
the module `estimator` of each task, which the command line calls; cloning, searching, printing and tags are added here.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin

from elman.data.windows import origins, reordered
from elman.errors import InputError
from elman.tasks.classify import estimator as classifier
from elman.tasks.compose import estimator as composer
from elman.tasks.dialogue import estimator as responder
from elman.tasks.figures import number
from elman.tasks.forecast import estimator as forecaster
from elman.tasks.generate import estimator as language
from elman.tasks.interpret import estimator as interpreter
from elman.tasks.tag import estimator as tagger
from elman.tasks.transcribe import estimator as transcriber
from elman.tasks.translate import estimator as translator
from elman.training.randomness import python_draws_kept

with python_draws_kept():  # rich draws as it is imported, and parts of scikit-learn import it in the midst of a fit
    import rich.progress  # noqa: F401

__all__ = [
    "Classifier", "Composer", "Forecaster", "Interpreter", "LanguageModel", "Responder", "Tagger", "Transcriber",
    "Translator",
]  # fmt: skip


class Classifier(classifier.Classifier, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    __doc__ = classifier.Classifier.__doc__

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share that `predict` gets right; of several labels the share with all of them and no other."""
        from sklearn.metrics import accuracy_score

        given = self.predict(X)
        return float(accuracy_score(*self.target_.comparable(y, given), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False, True
        tags.classifier_tags.multi_label = True
        return tags


class Composer(composer.Composer, BaseEstimator):  # type: ignore[misc]
    __doc__ = composer.Composer.__doc__

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the nats that a frame of the pieces costs: the higher, the better."""
        return -number(self.evaluate(X), "nll")

    def __sklearn_tags__(self) -> Any:
        """It learns from piano rolls, or from names of files, alone."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False, True
        return tags


class Forecaster(forecaster.Forecaster, BaseEstimator):  # type: ignore[misc]
    __doc__ = forecaster.Forecaster.__doc__

    def score(self, y: Any, X: Any = None) -> float:
        """Minus the mean scaled error over the series, from every origin with as many steps before as are read."""
        panel = self.read(y, X)
        windows = reordered(origins(panel, [self.context_] * len(panel), self.horizon_), self.channels_)
        if not len(windows):
            least = self.context_ + self.horizon_
            raise InputError(
                f"no series has the {least} steps that an origin needs", where="y", remedy="give more rows"
            )
        return -number(self.judge(windows), "mase")

    def __sklearn_tags__(self) -> Any:
        """It learns from series alone, of any number of steps and channels."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags


class Interpreter(interpreter.Interpreter, BaseEstimator):  # type: ignore[misc]
    __doc__ = interpreter.Interpreter.__doc__

    def __sklearn_tags__(self) -> Any:
        """Neither classifier nor regressor: recordings in, texts out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False, True
        tags.target_tags.required, tags.target_tags.one_d_labels = True, False
        return tags


class LanguageModel(language.LanguageModel, BaseEstimator):  # type: ignore[misc]
    __doc__ = language.LanguageModel.__doc__

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the nats that a unit of the texts costs: the higher, the better."""
        return -number(self.evaluate(X), "nll")

    def __sklearn_tags__(self) -> Any:
        """It learns from texts alone."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags


class Responder(responder.Responder, BaseEstimator):  # type: ignore[misc]
    __doc__ = responder.Responder.__doc__

    def fit(self, X: Any, y: Any = None) -> Responder:
        """Learn from conversations, a list of turns each; what is answered stands in them, and `y` is not read."""
        super().fit(X)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """How often the true answers of conversations are ranked first: recall@1."""
        return number(self.evaluate(X), "recall_at_1")

    def __sklearn_tags__(self) -> Any:
        """It learns from texts alone."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags


class Tagger(tagger.Tagger, BaseEstimator):  # type: ignore[misc]
    __doc__ = tagger.Tagger.__doc__

    def __sklearn_tags__(self) -> Any:
        """No classifier to scikit-learn, whose classifiers have one label an example; lists in, lists out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.target_tags.required, tags.target_tags.one_d_labels = True, False
        return tags


class Transcriber(transcriber.Transcriber, BaseEstimator):  # type: ignore[misc]
    __doc__ = transcriber.Transcriber.__doc__

    def score(self, X: Any, y: Any) -> float:
        """Minus the word error rate: the higher, the better."""
        return -number(self.evaluate(X, y), "wer")

    def __sklearn_tags__(self) -> Any:
        """Neither classifier nor regressor: recordings in, texts out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False, True
        tags.target_tags.required, tags.target_tags.one_d_labels = True, False
        return tags


class Translator(translator.Translator, BaseEstimator):  # type: ignore[misc]
    __doc__ = translator.Translator.__doc__

    def __sklearn_tags__(self) -> Any:
        """Neither classifier nor regressor: texts in, texts out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.target_tags.required, tags.target_tags.one_d_labels = True, False
        return tags
