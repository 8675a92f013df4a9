"""The GRU in its two forms, which are different models.

after     resets after the recurrent product: cuDNN's, PyTorch's; one product a step
before    resets before it: the paper's; two products a step
"""

from jaxseq.cells.gru import after as after, before as before
from jaxseq.cells.gru.after import (
    ParamsAfter as ParamsAfter,
    reset_after as reset_after,
)
from jaxseq.cells.gru.before import (
    ParamsBefore as ParamsBefore,
    reset_before as reset_before,
)
