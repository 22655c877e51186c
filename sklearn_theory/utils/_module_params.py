# SPDX-License-Identifier: BSD-3-Clause
"""Parameters ``module__*`` of a network that the user brings, as in skorch."""

_PREFIX = "module__"


class ModuleParamsMixin:
    """Let searches reach the parameters of a `module` that the user brings.

    The estimator has a parameter `module`, a class or a function, and `module_params`, a
    dict of its arguments or None. ``get_params`` also lists these as ``module__*``, and
    ``set_params`` takes them so.
    """

    def get_params(self, deep=True):
        """Get parameters, those of the module included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of sub-estimators and of the module.

        Returns
        -------
        params : dict
            Names and values.
        """
        params = super().get_params(deep)
        if deep and isinstance(self.module_params, dict):
            params |= {_PREFIX + k: value for k, value in self.module_params.items()}
        return params

    def set_params(self, **params):
        """Set parameters, those of the module included.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : estimator instance
            The estimator.
        """
        of_module = {
            name.removeprefix(_PREFIX): params.pop(name)
            for name in list(params)
            if name.startswith(_PREFIX)
        }
        super().set_params(**params)
        if of_module:
            self.module_params = {**(self.module_params or {}), **of_module}
        return self
