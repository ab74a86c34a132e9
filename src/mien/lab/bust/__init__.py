"""How the built-in head is made: ``python -m mien.lab.bust`` writes ``assets/bust.npz``."""
