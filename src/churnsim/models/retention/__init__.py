"""Models of retention under contract, in discrete time: sBG, BdW, covariates, competing risks."""
