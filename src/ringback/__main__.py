"""`python -m ringback` does the same as `ringback`."""

from ringback.cli.app import main

if __name__ == "__main__":
    main()
