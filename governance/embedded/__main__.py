"""`manage.py embedded start|stop|status`: the embedded servers by hand, without loading the settings."""

import sys

from governance.embedded import Unavailable, addresses, status, stop, var_dir

USAGE = "Say `embedded start`, `embedded stop` or `embedded status`."


def main(arguments: list[str]) -> int:
    """Carries out one word; status exits 0 only when both servers answer."""
    order = arguments[0] if len(arguments) == 1 else ""
    try:
        if order == "start":
            found = addresses()
            print(f"DATABASE_URL={found.database_url}\nREDIS_URL={found.redis_url}")
        elif order == "stop":
            stop()
            print(f"The embedded servers of {var_dir()} are stopped.")
        elif order == "status":
            running = status()
            for part, answers in running.items():
                print(f"{part}: {'running' if answers else 'not running'}")
            return 0 if all(running.values()) else 3
        else:
            print(USAGE, file=sys.stderr)
            return 2
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
