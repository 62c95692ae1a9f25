"""How robust are two small classifiers of handwritten digits: train, attack, evaluate.

The attack is the Fast Gradient Method; what fools one model is then shown to the other as well.
"""
