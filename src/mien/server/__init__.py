"""The web server: ``POST /infer``, ``WS /ws``, health, metrics, and the studio's files."""
