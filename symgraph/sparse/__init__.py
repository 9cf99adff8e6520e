"""Sparse matrices: `import symgraph.sparse as sparse`.

Variables of `SparseTensorType` take and give SciPy's CSR and CSC matrices. Inside a function they
are three vectors and a shape; all of it is native, fuses with dense ops and has gradients, which
have entries where the matrix has.
"""

from symgraph.records import SparseTensorType
from symgraph.shared import shared
from symgraph.sparse.arithmetic import *
from symgraph.sparse.elementwise import *
from symgraph.sparse.indexing import *
from symgraph.sparse.matrix import *
from symgraph.sparse.products import *
from symgraph.sparse.reductions import *
from symgraph.sparse.variable import *

SparseType = SparseTensorType  # Theano's name
