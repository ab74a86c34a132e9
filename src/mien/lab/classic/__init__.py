"""Classical learning: support vector machines, and rare classes made frequent by SMOTE."""
