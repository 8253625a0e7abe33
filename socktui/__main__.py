"""`python -m socktui`"""

import sys

from socktui.cli import main

if __name__ == "__main__":
    sys.exit(main())
