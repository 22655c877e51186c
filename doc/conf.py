# SPDX-License-Identifier: BSD-3-Clause
"""Configuration of the documentation."""

import warnings

from sphinx.util.nodes import get_node_source

import sklearn_theory

project = "sklearn_theory"
author = "The sklearn_theory developers"
project_copyright = "2026, the sklearn_theory developers"
version = release = sklearn_theory.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
]
templates_path = ["templates"]
exclude_patterns = ["_build", "examples", "gallery/**/*.ipynb"]
nitpicky = False
root_doc = "index"

autosummary_generate = True
autodoc_default_options = {"members": True, "inherited-members": True}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_theory"
html_static_path = ["static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"changelog": []}
copybutton_prompt_text = ">>> "

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "doc_module": ("sklearn_theory",),
    "reference_url": {"sklearn_theory": None},
    "backreferences_dir": "api/generated/backreferences",
    "matplotlib_animations": False,
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 5,
}

# Examples are held to the same standard as the tests: a warning is a defect.
warnings.filterwarnings("error", module="__main__")


def show_inherited_references_as_text(app, env, node, contnode):
    """Show as plain text what only scikit-learn's own pages can resolve.

    Such references stand in methods that are inherited from scikit-learn; in docstrings
    of this library an unresolved reference stays an error.
    """
    if "docstring of sklearn." in (get_node_source(node) or ""):
        return contnode
    return None


def setup(app):
    app.connect("missing-reference", show_inherited_references_as_text)
