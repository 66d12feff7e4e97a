"""Training of the ear's models: corpus, folds, fits. Never imported by a running box.

`python -m audio.training --builder PATH --cache DIR --work DIR` does all of it; scipy comes with the
dependency group `train`. The weights that ship are read by `audio.model` with numpy alone.
"""
