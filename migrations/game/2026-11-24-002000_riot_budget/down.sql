DROP TABLE riot_budgets;
