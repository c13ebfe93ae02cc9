"""Methods that the texts describe: each must run and give what it promises on cases whose answer is known."""
